from .client.async_client import AsyncClient as AsyncClient
from .client.sync_client import Client as Client
from .deployment.publish_local import publish as publish
from .deployment.publish_local import rollback as rollback
from .server import ModelServer as ModelServer
from .warmup import write_warmup as write_warmup
from .workers import Workers as Workers
