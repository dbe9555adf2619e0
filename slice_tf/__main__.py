"""Lets `python -m slice_tf` stand for the `slice-tf` command."""

import sys

from slice_tf.cli import main

sys.exit(main())
