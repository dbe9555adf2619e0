from .canary import canary_plan as canary_plan
from .canary_walk import CanaryWalk as CanaryWalk
from .publish_local import publish as publish
from .publish_local import rollback as rollback
from .publish_remote import publish_remote as publish_remote
