"""What can be predicted: a class, several labels, or a number."""

from slice_tf.near_miss import did_you_mean

TASKS = ("classification", "multi_label", "regression")


def check_task(task: str) -> str:
    """Returns what is predicted.

    Raises:
        ValueError: If it is none of `TASKS`.
    """
    if task not in TASKS:
        raise ValueError(
            f"`task` must be one of {', '.join(TASKS)}, because it says what "
            f"is predicted. Received: task={task!r}."
            f"{did_you_mean(task, TASKS)}"
        )
    return task
