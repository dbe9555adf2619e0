from .figure1 import draw_figure1 as draw_figure1
from .page import render_page as render_page
from .page import write_page as write_page
from .scene import Disc as Disc
from .scene import Regions as Regions
from .scene import Scene as Scene
from .traffic_page import write_traffic_page as write_traffic_page
from .votes import read_summary as read_summary
