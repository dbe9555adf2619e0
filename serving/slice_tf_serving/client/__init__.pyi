from .async_client import AsyncClient as AsyncClient
from .errors import RequestError as RequestError
from .errors import ServerError as ServerError
from .sync_client import Client as Client
from .target import Certificates as Certificates
