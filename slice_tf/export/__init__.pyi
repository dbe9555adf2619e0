from .c_session import CSession as CSession
from .check import check_saved_model as check_saved_model
from .check_graph import check_operations as check_operations
from .hub_module import export_hub_module as export_hub_module
from .probe import make_probe as make_probe
from .saved_model import export_saved_model as export_saved_model
