"""The TensorFlow operations that an exported graph may hold."""

# Run Python code of the process that made them: nowhere else, so never.
PYTHON = frozenset({"EagerPyFunc", "PyFunc", "PyFuncStateless"})

_STRUCTURE = """
Assert Case Const EnsureShape Enter Exit Fill For Identity IdentityN If
LoopCond Merge NextIteration NoOp PartitionedCall Placeholder
PlaceholderWithDefault PreventGradient StatefulPartitionedCall StatelessCase
StatelessIf StatelessWhile StopGradient Switch While
"""

_VARIABLES = """
AssignAddVariableOp AssignSubVariableOp AssignVariableOp DisableCopyOnRead
MergeV2Checkpoints ReadVariableOp ResourceGather ResourceGatherNd RestoreV2
SaveV2 ShardedFilename VarHandleOp VarIsInitializedOp VariableShape
"""

_TABLES = """
HashTableV2 InitializeTableFromTextFileV2 InitializeTableV2
LookupTableExportV2 LookupTableFindV2 LookupTableImportV2 LookupTableSizeV2
MutableDenseHashTableV2 MutableHashTableV2
"""

_PARSING = """
AsString Bucketize Cast DecodeBase64 DecodeCSV DecodeImage DecodeJpeg DecodePng
DecodePaddedRaw DecodeRaw EncodeBase64 ParseExampleV2 ParseTensor
"""

_STRINGS = """
ReduceJoin RegexFullMatch RegexReplace StaticRegexFullMatch StaticRegexReplace
StringFormat StringJoin StringLength StringLower StringNGrams StringSplitV2
StringStrip StringToHashBucket StringToHashBucketFast StringToHashBucketStrong
StringToNumber StringUpper Substr UnicodeDecode UnicodeDecodeWithOffsets
UnicodeEncode UnicodeScript UnicodeTranscode UnsortedSegmentJoin
"""

_ARITHMETIC = """
Abs AccumulateNV2 Acos Acosh Add AddN AddV2 Angle ApproximateEqual Asin Asinh
Atan Atan2 Atanh BesselI0e BesselI1e Betainc Ceil ClipByValue Complex
ComplexAbs Conj Cos Cosh Cross Cumprod Cumsum CumulativeLogsumexp Digamma Div
DivNoNan Equal Erf Erfc Erfinv Exp Expm1 Floor FloorDiv FloorMod Greater
GreaterEqual Igamma Igammac Imag Inv IsFinite IsInf IsNan Less LessEqual Lgamma
Log Log1p LogicalAnd LogicalNot LogicalOr Maximum Minimum Mod Mul MulNoNan
Ndtri Neg NextAfter NotEqual Polygamma Pow Real RealDiv Reciprocal Rint Round
Rsqrt Select SelectV2 Sign Sin Sinh Sqrt Square SquaredDifference Sub Tan Tanh
TruncateDiv TruncateMod Xdivy Xlog1py Xlogy Zeta BitwiseAnd BitwiseOr
BitwiseXor Invert LeftShift RightShift
"""

_REDUCTIONS = """
All Any ApproxTopK ArgMax ArgMin Bincount DenseBincount EuclideanNorm InTopKV2
Max Mean Min Prod SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum Sum
TopK TopKV2 UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd
UnsortedSegmentSum
"""

_ARRAYS = """
BatchToSpaceND Bitcast BroadcastArgs BroadcastTo Concat ConcatOffset ConcatV2
DepthToSpace Diag DiagPart DynamicPartition DynamicStitch ExpandDims Gather
GatherNd GatherV2 InvertPermutation LinSpace ListDiff LowerBound MatrixBandPart
MatrixDiag MatrixDiagPartV3 MatrixDiagV3 MatrixSetDiagV3 MirrorPad OneHot
OnesLike Pack Pad PadV2 ParallelConcat ParallelDynamicStitch Range Rank Reshape
Reverse ReverseSequence ReverseV2 Roll ScatterNd Shape ShapeN Size Slice
Snapshot SpaceToBatchND SpaceToDepth Split SplitV Squeeze StridedSlice
TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub
TensorScatterUpdate TensorStridedSliceUpdate Tile Transpose Unique UniqueV2
UniqueWithCounts Unpack UnravelIndex UpperBound Where ZerosLike
"""

_NETWORKS = """
AvgPool AvgPool3D BatchMatMul BatchMatMulV2 BatchMatMulV3 BiasAdd BlockLSTMV2
Conv2D Conv2DBackpropInput Conv3D Conv3DBackpropInputV2 CudnnRNNV3
DepthwiseConv2dNative Dilation2D Einsum Elu FusedBatchNormV3 GRUBlockCell
L2Loss LRN LSTMBlockCell LeakyRelu LogSoftmax MatMul MaxPool MaxPool3D
MaxPoolV2 MaxPoolWithArgmax Relu Relu6 Selu Sigmoid Softmax Softplus Softsign
"""

_ALGEBRA = """
Cholesky Eig MatrixDeterminant MatrixInverse MatrixSolve MatrixSquareRoot
MatrixTriangularSolve Qr SelfAdjointEigV2 Svd FFT FFT2D IFFT IFFT2D IRFFT RFFT
RFFT2D Mfcc AudioSpectrogram
"""

_IMAGES = """
AdjustContrastv2 AdjustHue AdjustSaturation CombinedNonMaxSuppression
CropAndResize ExtractImagePatches HSVToRGB ImageProjectiveTransformV3
NonMaxSuppressionV5 RGBToHSV ResizeArea ResizeBicubic ResizeBilinear
ResizeNearestNeighbor ScaleAndTranslate
"""

_LISTS = """
EmptyTensorList TensorArrayCloseV3 TensorArrayGatherV3 TensorArrayReadV3
TensorArrayScatterV3 TensorArraySizeV3 TensorArrayV3 TensorArrayWriteV3
TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGather
TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack
TensorListReserve TensorListResize TensorListScatterV2 TensorListSetItem
TensorListStack
"""

_RAGGED_AND_SPARSE = """
DenseCountSparseOutput RaggedBincount RaggedCross RaggedFillEmptyRows
RaggedGather RaggedRange RaggedTensorFromVariant RaggedTensorToSparse
RaggedTensorToTensor RaggedTensorToVariant SparseBincount SparseConcat
SparseCrossHashed SparseCrossV2 SparseFillEmptyRows SparseMatMul SparseReorder
SparseReshape SparseSegmentMean SparseSegmentSqrtN SparseSegmentSum SparseSlice
SparseSoftmax SparseTensorDenseMatMul SparseToDense
"""

_RANDOM = """
RandomStandardNormal RandomUniform RandomUniformInt RngReadAndSkip
StatelessRandomGetKeyCounter StatelessRandomNormalV2 StatelessRandomUniformV2
StatelessRandomUniformIntV2 StatelessTruncatedNormalV2 TruncatedNormal
"""

# They compute; none runs Python, opens a file that is not the model's own,
# speaks to another process or prints.
ALLOWED = frozenset(
    name
    for group in (
        _STRUCTURE,
        _VARIABLES,
        _TABLES,
        _PARSING,
        _STRINGS,
        _ARITHMETIC,
        _REDUCTIONS,
        _ARRAYS,
        _NETWORKS,
        _ALGEBRA,
        _IMAGES,
        _LISTS,
        _RAGGED_AND_SPARSE,
        _RANDOM,
    )
    for name in group.split()
)
