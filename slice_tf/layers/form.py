"""Which of two equal ways a module computes."""

FORMS = ("auto", "direct", "folded")


def check_form(form: str) -> str:
    """Returns the form of a module.

    Raises:
        ValueError: If it is none of `auto`, `direct` and `folded`.
    """
    if form not in FORMS:
        raise ValueError(
            f"`form` must be one of {', '.join(FORMS)}, because it says how "
            f"experts and heads are multiplied. Received: form={form!r}"
        )
    return form


def is_folding_cheaper(batch: int | None, width: int, columns: int) -> bool:
    """Returns whether multiplying weights first takes fewer operations.

    For one slice and one input feature, the direct form takes
    `batch * width` multiplications, the folded one `width * columns` for the
    weights and `batch * columns` for the examples. The backward pass has
    twice as many of each, so the answer is the same in training.

    Args:
        batch: Number of examples; `None`, as in a graph of any batch size,
            counts as many.
        width: Columns of an expert's matrix.
        columns: Columns of all heads together.
    """
    if batch is None:
        return columns < width
    return columns * (batch + width) < batch * width
