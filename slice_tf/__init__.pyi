from .layers import SliceResidualAttention as SliceResidualAttention
from .models import SliceAwareModel as SliceAwareModel
from .models import VanillaModel as VanillaModel
from .schema import Slice as Slice
from .schema import SliceSchema as SliceSchema
from .slicing import Row as Row
from .slicing import SlicingFunction as SlicingFunction
from .slicing import slicing_function as slicing_function

__version__: str
