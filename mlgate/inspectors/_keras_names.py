"""Names in Keras configurations: what is part of Keras, and which parts of Keras and TensorFlow are no layers' work.

Source: the API references of Keras 1.2, 2.15 and 3.12 and of TensorFlow 2.20; the gadgets are those of CVE-2025-8747
and CVE-2025-9906 and functions of the same kind.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


KERAS = frozenset({"keras", "tf_keras", "keras_core"})
FAMILY = KERAS | {"keras_hub", "keras_nlp", "keras_cv"}

# Classes that Keras finds by name alone: layers, models, and what their configurations hold.
BUILTIN = _words(
    # models and containers
    "Sequential Functional Model Graph Merge LinearModel WideDeepModel"
    # core
    " Input InputLayer InputSpec Dense EinsumDense Embedding ReversibleEmbedding Masking Lambda Activation Identity"
    " Wrapper Layer Highway MaxoutDense TimeDistributedDense AutoEncoder Flatten Reshape Permute RepeatVector Dropout"
    " AlphaDropout GaussianDropout GaussianNoise SpatialDropout1D SpatialDropout2D SpatialDropout3D"
    " ActivityRegularization Cropping1D Cropping2D Cropping3D UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D"
    " ZeroPadding2D ZeroPadding3D TFOpLambda SlicingOpLambda TensorFlowOpLayer ClassMethod InstanceMethod"
    " InstanceProperty AddLoss AddMetric DenseFeatures SequenceFeatures DenseHashCross TFSMLayer TorchModuleWrapper"
    " JaxLayer FlaxLayer Operation"
    # convolution and pooling
    " Conv1D Conv2D Conv3D Convolution1D Convolution2D Convolution3D Conv1DTranspose Conv2DTranspose Conv3DTranspose"
    " Convolution1DTranspose Convolution2DTranspose Convolution3DTranspose Deconvolution2D Deconvolution3D"
    " AtrousConvolution1D AtrousConvolution2D DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D"
    " SeparableConvolution1D SeparableConvolution2D LocallyConnected1D LocallyConnected2D AveragePooling1D"
    " AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D MaxPooling1D MaxPooling2D MaxPooling3D MaxPool1D"
    " MaxPool2D MaxPool3D GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D"
    " GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GlobalMaxPool1D"
    " GlobalMaxPool2D GlobalMaxPool3D AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D"
    " AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D"
    # recurrent and attention
    " RNN SimpleRNN SimpleRNNCell GRU GRUV1 GRUV2 GRUCell LSTM LSTMV1 LSTMV2 LSTMCell StackedRNNCells CuDNNGRU"
    " CuDNNLSTM Bidirectional TimeDistributed ConvLSTM1D ConvLSTM2D ConvLSTM3D ConvRecurrent2D AbstractRNNCell"
    " Attention AdditiveAttention MultiHeadAttention GroupQueryAttention GroupedQueryAttention"
    # merging, normalization, activations
    " Add Subtract Multiply Average Maximum Minimum Concatenate Dot BatchNormalization BatchNormalizationV1"
    " BatchNormalizationV2 SyncBatchNormalization LayerNormalization GroupNormalization UnitNormalization"
    " RMSNormalization SpectralNormalization ReLU LeakyReLU PReLU ELU ThresholdedReLU ParametricSoftplus SReLU Softmax"
    # preprocessing
    " Normalization Discretization CategoryEncoding Hashing HashedCrossing StringLookup IntegerLookup IndexLookup"
    " TextVectorization FeatureSpace Feature Resizing Rescaling CenterCrop RandomCrop RandomFlip RandomTranslation"
    " RandomRotation RandomZoom RandomContrast RandomHeight RandomWidth RandomBrightness RandomShear"
    " RandomColorDegeneration RandomColorJitter RandomErasing RandomElasticTransform RandomGaussianBlur"
    " RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization RandomSaturation RandomSharpness"
    " AutoContrast AugMix CutMix MixUp Equalization MaxNumBoundingBoxes RandAugment Solarization MelSpectrogram"
    " STFTSpectrogram Pipeline PreprocessingStage FunctionalPreprocessingStage"
    # initializers, regularizers, constraints
    " Initializer Zeros Ones Constant RandomNormal RandomUniform TruncatedNormal VarianceScaling Orthogonal Identity"
    " IdentityInitializer GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform OrthogonalInit"
    " STFTInitializer GlorotNormalV2 HeNormalV2 ZerosV2 OnesV2 ConstantV2 RandomNormalV2 RandomUniformV2 L1 L2 L1L2"
    " WeightRegularizer EigenvalueRegularizer ActivityRegularizer OrthogonalRegularizer Constraint MaxNorm MinMaxNorm"
    " NonNeg UnitNorm RadialConstraint"
    # optimizers and schedules
    " SGD RMSprop RMSProp Adagrad Adadelta Adam AdamW Adamax Nadam Ftrl Lion Lamb LAMB Muon Adafactor"
    " LossScaleOptimizer LossScaleOptimizerV1 ScheduleFreeAdamW Optimizer TFOptimizer"
    " ExponentialDecay CosineDecay CosineDecayRestarts InverseTimeDecay PiecewiseConstantDecay PolynomialDecay"
    ""
    # losses and metrics
    " MeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredLogarithmicError BinaryCrossentropy"
    " BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy SparseCategoricalCrossentropy Hinge"
    " SquaredHinge CategoricalHinge KLDivergence Poisson LogCosh Huber CosineSimilarity Circle CTC Dice Tversky"
    " CategoricalGeneralizedCrossEntropy LossFunctionWrapper Loss Metric Mean MeanMetricWrapper MeanTensor Sum Reduce"
    " Accuracy BinaryAccuracy CategoricalAccuracy SparseCategoricalAccuracy TopKCategoricalAccuracy"
    " SparseTopKCategoricalAccuracy AUC Precision Recall PrecisionAtRecall RecallAtPrecision SensitivityAtSpecificity"
    " SpecificityAtSensitivity TruePositives TrueNegatives FalsePositives FalseNegatives BinaryIoU IoU MeanIoU"
    " OneHotIoU OneHotMeanIoU F1Score FBetaScore R2Score RootMeanSquaredError CosineProximity LogCoshError KLD"
    " MeanRelativeError ConcordanceCorrelation PearsonCorrelation MetricsList CompileMetrics"
    # policies and types
    " Policy PolicyV1 DTypePolicy DTypePolicyMap FloatDTypePolicy QuantizedDTypePolicy QuantizedFloat8DTypePolicy"
    " GPTQDTypePolicy AbsMaxQuantizer Quantizer DType TensorShape TypeSpec TensorSpec RaggedTensorSpec SparseTensorSpec"
    " CompositeTensor KerasTensor"
    # feature columns
    " NumericColumn BucketizedColumn IdentityCategoricalColumn HashedCategoricalColumn VocabularyListCategoricalColumn"
    " VocabularyFileCategoricalColumn CrossedColumn IndicatorColumn EmbeddingColumn SharedEmbeddingColumn"
    " WeightedCategoricalColumn SequenceCategoricalColumn SequenceNumericColumn"
)

# Places in Keras that functions in a model come from: computing on tensors, nothing else.
COMPUTING = _words(
    "activations losses metrics ops initializers regularizers constraints backend random nn layers optimizers math tree"
    " numpy schedules core image linalg operation_utils operations legacy"
)
PREPROCESSING = frozenset({"preprocess_input", "normalize", "to_categorical", "img_to_array", "array_to_img"})
# Places in Keras whose functions download, open files, load models or change settings.
REACHING = _words(
    "saving save utils file_utils python_utils io_utils models datasets applications config export distribution"
    " visualization preprocessing global_state serialization_lib object_registration callbacks wrappers"
)
GADGETS = _words(
    "get_file load_model save_model load_weights save_weights"
    " from_preset func_load func_dump deserialize_keras_object enable_unsafe_deserialization"
    " set_global_attribute enable_interactive_logging load_img save_img load_data"
    " image_dataset_from_directory text_dataset_from_directory audio_dataset_from_directory"
    " timeseries_dataset_from_array extract_archive _extract_archive rmtree makedirs"
    " File model_from_json model_from_yaml model_from_config from_config register_keras_serializable"
    " CustomObjectScope set_backend import_module pickle_model unpickle_model deserialize_model_from_bytecode"
    " serialize_model_as_bytecode plot_model model_to_dot export export_savedmodel _load_model_from_fileobj"
    " _load_model_from_dir load_model_from_dir DiskIOStore H5IOStore"
    " input_with_timeout ask_to_proceed_with_overwrite"
)
# Python's builtins that a tensor has nothing to do with.
PYTHON = _words(
    "eval exec compile __import__ open input getattr setattr delattr globals locals vars breakpoint help exit quit"
    " memoryview classmethod staticmethod super type object map filter"
)
# TensorFlow's functions and operations that touch files, load code, call Python or reach the network.
TENSORFLOW = _words(
    "read_file write_file matching_files match_filenames_once write_graph py_function numpy_function py_func"
    " eager_py_func load_op_library load_library load_file_system_library load save restore import_graph_def"
    " import_meta_graph gfile saved_model python_io ReadFile WriteFile MatchingFiles PyFunc"
    " PyFuncStateless EagerPyFunc Save SaveV2 SaveSlices Restore RestoreV2 RestoreSlice MergeV2Checkpoints"
    " LoadDataset SaveDataset SaveDatasetV2 DatasetToTFRecord TextLineDataset TFRecordDataset"
    " FixedLengthRecordDataset FixedLengthRecordDatasetV2 SqlDataset SnapshotDataset SnapshotDatasetV2 CSVDataset"
    " InitializeTableFromTextFile InitializeTableFromTextFileV2 WholeFileReader WholeFileReaderV2 TextLineReader"
    " TextLineReaderV2 TFRecordReader TFRecordReaderV2 FixedLengthRecordReader FixedLengthRecordReaderV2"
    " CreateSummaryFileWriter RpcCall RpcClient RpcServer DebugIdentity DebugIdentityV2 DebugNanCount PrintV2"
)
# Classes that load something when they are made, and the keys that say what.
LOADERS = {
    "TFSMLayer": ("filepath",),
    "TorchModuleWrapper": ("module",),
    "KerasLayer": ("handle",),
}
# Keys of preprocessing layers and tokenizers whose value is data, or the name of a file with it.
DATA_KEYS = frozenset(
    {"vocabulary", "idf_weights", "merges", "proto", "vocab", "vocab_file", "vocabulary_file", "vocabulary_path"}
)
