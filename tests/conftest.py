"""What all tests share."""

import os
import signal

import hypothesis

# Where tests run in the background of a shell, Ctrl-C is ignored, and the
# programs that they start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Generated cases are the same in every run, however busy the machine is;
# with FUZZ_EXAMPLES set, new ones.
hypothesis.settings.register_profile(
    "suite", deadline=None, derandomize="FUZZ_EXAMPLES" not in os.environ
)
hypothesis.settings.load_profile("suite")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Keep bytes out of the names of tests: what is packed or serialized may
    differ from process to process (gzip writes the time), and processes that
    share the tests must collect the same names."""
    return argname if isinstance(val, bytes) else None
