"""What all tests share."""

import signal

# Where tests run in the background of a shell, Ctrl-C is ignored, and the
# programs that they start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
