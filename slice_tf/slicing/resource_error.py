"""The error that ends a job, where others leave one example unknown."""


class ResourceError(ValueError):
    """What slicing functions use is not there, so none can be asked."""
