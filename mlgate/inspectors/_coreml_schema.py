"""The parts of Core ML's messages that are read (coremltools, mlmodel/format), and its numbers."""

from __future__ import annotations

from mlgate.inspectors._protobuf import INT, INTS, SIZE, TEXT, Schema

# Model.Type: fields whose message is not entered.
KINDS = {
    300: "glmRegressor", 301: "supportVectorRegressor", 302: "treeEnsembleRegressor", 304: "bayesianProbitRegressor",
    400: "glmClassifier", 401: "supportVectorClassifier", 402: "treeEnsembleClassifier",
    404: "kNearestNeighborsClassifier", 501: "itemSimilarityRecommender", 560: "classConfidenceThresholding",
    600: "oneHotEncoder", 601: "imputer", 602: "featureVectorizer", 603: "dictVectorizer", 604: "scaler",
    606: "categoricalMapping", 607: "normalizer", 609: "arrayFeatureExtractor", 610: "nonMaximumSuppression",
    900: "identity", 2000: "textClassifier", 2001: "wordTagger", 2002: "visionFeaturePrint",
    2003: "soundAnalysisPreprocessing", 2004: "gazetteer", 2005: "wordEmbedding", 2006: "audioFeaturePrint",
    3000: "serializedModel",
}  # fmt: skip
# Kinds whose parameters are bytes for Apple's own frameworks.
OPAQUE = frozenset({"textClassifier", "wordTagger", "gazetteer", "wordEmbedding"})
# ArrayFeatureType.ArrayDataType
DATA_TYPES = {65552: "float16", 65568: "float32", 65600: "float64", 131080: "int8", 131104: "int32"}

SCHEMA: Schema = {
    "model": {
        1: INT,  # specificationVersion
        2: "description",
        200: "wrapped_pipeline",
        201: "wrapped_pipeline",
        202: "pipeline",
        303: "network",
        403: "network",
        500: "network",
        502: "program",
        555: "custom",
        556: "linked",
        **dict.fromkeys(KINDS, SIZE),
    },
    "description": {
        1: "feature",  # input
        10: "feature",  # output
        20: "function_description",
        50: "feature",
        100: "metadata",
    },
    "function_description": {2: "feature", 3: "feature"},
    "feature": {1: TEXT, 3: "feature_type"},
    "feature_type": {1: SIZE, 2: SIZE, 3: SIZE, 4: SIZE, 5: "array", 6: SIZE},
    "array": {1: INTS, 2: INT},
    "metadata": {1: TEXT, 2: TEXT, 3: TEXT, 4: TEXT, 100: "entry"},
    "entry": {1: TEXT, 2: TEXT},
    "wrapped_pipeline": {1: "pipeline"},
    "pipeline": {1: "model"},
    "network": {1: "layer"},
    "layer": {500: "custom", 605: "branch", 615: "loop"},
    "branch": {1: "network", 2: "network"},
    "loop": {3: "network", 4: "network"},
    "custom": {10: TEXT},  # CustomLayerParams and CustomModel alike
    "linked": {1: "linked_file"},
    "linked_file": {1: "string", 2: "string"},
    "string": {1: TEXT},
    "program": {2: "function_entry", 4: "value_entry"},
    "function_entry": {2: "function"},
    "function": {3: "block_entry", 4: "value_entry"},
    "block_entry": {2: "block"},
    "block": {3: "operation", 4: "value_entry"},
    "operation": {1: TEXT, 2: "argument_entry", 4: "block", 5: "value_entry"},
    "argument_entry": {2: "argument"},
    "argument": {1: "binding"},
    "binding": {2: "value"},
    "value_entry": {2: "value"},
    "value": {2: "value_type", 3: "immediate", 5: "blob"},
    "value_type": {1: "tensor_type"},
    "tensor_type": {3: "any_dimension"},
    "any_dimension": {1: "dimension"},
    "dimension": {1: INT},
    "immediate": {2: "values", 3: "values", 4: "pairs"},
    "values": {1: "value"},
    "pairs": {1: "key_value"},
    "key_value": {1: "value", 2: "value"},
    "blob": {1: TEXT, 2: INT},
}
