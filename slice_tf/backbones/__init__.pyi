from .bert import BertEncoder as BertEncoder
from .bert_weights import build_bert as build_bert
from .bert_weights import load_bert as load_bert
from .hub_layer import HubLayer as HubLayer
from .image import DecodeImages as DecodeImages
from .image import build_image as build_image
from .text import build_text as build_text
from .word_pieces import WordPieces as WordPieces

def import_layers() -> None: ...
