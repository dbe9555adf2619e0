"""Pictures of results. Needs the extra `report`."""

from slice_tf.report.figure1 import draw_figure1
from slice_tf.report.scene import Disc, Regions, Scene

__all__ = ["Disc", "Regions", "Scene", "draw_figure1"]
