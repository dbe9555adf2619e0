from .evaluation_job import evaluate_predictions as evaluate_predictions
from .predictions import PredictionFeatures as PredictionFeatures
from .predictions import PredictionSpec as PredictionSpec
from .score_job import score_found_slices as score_found_slices
from .shard_job import apply_slicing_functions as apply_slicing_functions
from .summary import Summary as Summary
from .transforms import ApplySlicingFunctions as ApplySlicingFunctions
from .transforms import EvaluateSlices as EvaluateSlices
