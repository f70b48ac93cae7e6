"""What pickles may name: callables that put data together and can do nothing else. Each stands here by itself.

A whole module is never allowed: in each of them there is something that runs code (`numpy.f2py`, `torch.hub`,
`torch.storage._load_from_bytes`, …).
"""

from __future__ import annotations

_BUILTINS = (
    "bool bytearray bytes complex dict float frozenset int list long object range set slice str tuple unicode xrange "
    "Ellipsis NotImplemented"
)
_NUMPY_TYPES = (
    "ndarray dtype bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 intc uintc intp uintp longlong "
    "ulonglong float16 float32 float64 float128 longdouble complex64 complex128 complex256 clongdouble str_ bytes_ "
    "void object_ datetime64 timedelta64 unicode_ string_ matrix"
)
_NUMPY_DTYPES = (
    "Bool Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float16 Float32 Float64 LongDouble Complex64 Complex128 "
    "Str Bytes Void Object DateTime64 TimeDelta64"
)
_TORCH_TYPES = (
    "Tensor Size device dtype layout memory_format bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 "
    "float32 float64 bfloat16 complex32 complex64 complex128 half float double short int long chalf cfloat cdouble "
    "float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu qint8 quint8 qint32 quint4x2 quint2x4 "
    "per_tensor_affine per_channel_affine per_tensor_symmetric per_channel_symmetric strided sparse_coo sparse_csr "
    "sparse_csc sparse_bsr sparse_bsc contiguous_format channels_last channels_last_3d preserve_format"
)
_STORAGES = (
    "Float Double Half BFloat16 Long Int Short Char Byte Bool ComplexFloat ComplexDouble QInt8 QUInt8 QInt32 QUInt4x2 "
    "QUInt2x4 Untyped Typed"
)
_TORCH_REBUILD = (
    "_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state "
    "_rebuild_qtensor _rebuild_sparse_tensor _rebuild_sparse_csr_tensor _rebuild_nested_tensor "
    "_rebuild_meta_tensor_no_storage _rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor"
)
_TORCHSCRIPT = (
    "build_intlist build_tensorlist build_doublelist build_boollist build_tensor_from_id restore_type_tag"
)


def _of(module: str, names: str, ending: str = "") -> set[tuple[str, str]]:
    return {(module, name + ending) for name in names.split()}


_NUMPY: set[tuple[str, str]] = set()
for _core in ("numpy.core", "numpy._core"):
    _NUMPY |= _of(f"{_core}.multiarray", "_reconstruct scalar") | _of(f"{_core}.numeric", "_frombuffer")
_NUMPY |= _of("numpy", _NUMPY_TYPES) | _of("numpy.dtypes", _NUMPY_DTYPES, "DType")
_NUMPY |= _of("numpy.ma.core", "_mareconstruct MaskedArray") | _of("numpy.matrixlib.defmatrix", "matrix")
_NUMPY |= _of("numpy.random._pickle", "__randomstate_ctor __bit_generator_ctor __generator_ctor")
_NUMPY |= _of("numpy.random.bit_generator", "SeedSequence __pyx_unpickle_SeedSequence")
_NUMPY |= _of("numpy.random._mt19937", "MT19937") | _of("numpy.random._pcg64", "PCG64 PCG64DXSM")
_NUMPY |= _of("numpy.random._philox", "Philox") | _of("numpy.random._sfc64", "SFC64")

_TORCH = (
    _of("torch", _TORCH_TYPES)
    | _of("torch._tensor", "_rebuild_from_type_v2 Tensor")
    | _of("torch._utils", _TORCH_REBUILD)
    | _of("torch.nn.parameter", "Parameter Buffer UninitializedParameter UninitializedBuffer")
    | _of("torch.serialization", "_get_layout")
    | _of("torch.jit._pickle", _TORCHSCRIPT)
)
for _module in ("torch", "torch.cuda", "torch.storage"):
    _TORCH |= _of(_module, _STORAGES, "Storage")

_LIBRARY = (
    _of("collections", "OrderedDict defaultdict Counter deque")
    | _of("copyreg", "_reconstructor __newobj__")
    | _of("_codecs", "encode")
    | _of("datetime", "datetime date time timedelta timezone")
    | _of("decimal", "Decimal")
    | _of("fractions", "Fraction")
    | _of("uuid", "UUID SafeUUID")
    | _of("pathlib", "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath")
    | _of("pathlib._local", "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath")
    | _of("joblib.numpy_pickle", "NumpyArrayWrapper")
)
ALLOWED = frozenset(_of("builtins", _BUILTINS) | _LIBRARY | _NUMPY | _TORCH)
# What names of modules that Python 2 had become when Python 3 reads them.
_RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}


def is_allowed(module: str, name: str) -> bool:
    """Say whether a pickle may name this: it puts data together, and nothing else.

    What TorchScript compiled has modules of its own that no Python can import.
    """
    if (_RENAMED.get(module, module), name) in ALLOWED:
        return True
    return module == "__torch__" or module.startswith("__torch__.")
