"""What the fronts have heard of and the models have not yet."""


class Arrivals:
    """Counts requests as soon as a front hears of them.

    From there to the model a request takes several turns of the event loop,
    over gRPC above all. Those on their way are worth a short wait.
    """

    def __init__(self) -> None:
        self.count = 0
