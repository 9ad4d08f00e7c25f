"""Names that NumPy 1 had and NumPy 2 has not, for extensions: A1111's NumPy is of version 1.

They are those of NumPy's migration guide for version 2 that stand for one of today's. Names that NumPy 1.24 had taken
away before (`numpy.int`, `numpy.float`) are missing in A1111 too.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

SAME = {
    "AxisError": "exceptions.AxisError",
    "ComplexWarning": "exceptions.ComplexWarning",
    "Inf": "inf",
    "Infinity": "inf",
    "NaN": "nan",
    "PINF": "inf",
    "RankWarning": "exceptions.RankWarning",
    "TooHardError": "exceptions.TooHardError",
    "VisibleDeprecationWarning": "exceptions.VisibleDeprecationWarning",
    "alltrue": "all",
    "bool8": "bool_",
    "bytes0": "bytes_",
    "cfloat": "complex128",
    "clongfloat": "clongdouble",
    "complex_": "complex128",
    "cumproduct": "cumprod",
    "float_": "float64",
    "infty": "inf",
    "int0": "intp",
    "longcomplex": "clongdouble",
    "longfloat": "longdouble",
    "mat": "asmatrix",
    "object0": "object_",
    "product": "prod",
    "round_": "round",
    "singlecomplex": "complex64",
    "sometrue": "any",
    "str0": "str_",
    "string_": "bytes_",
    "trapz": "trapezoid",
    "uint0": "uintp",
    "unicode_": "str_",
    "void0": "void",
}
"""Former names and where the same stands today."""


def give_former_names(numpy: Any) -> None:
    """Let `numpy` have the names that it lost, those of them that it does not have."""
    own = vars(numpy)
    for name, today in SAME.items():
        if name not in own:
            setattr(numpy, name, _found(numpy, today))
    for name, value in _made(numpy).items():
        if name not in own:
            setattr(numpy, name, value)


def _found(numpy: ModuleType, path: str) -> Any:
    found: Any = numpy
    for part in path.split("."):
        found = getattr(found, part)
    return found


def _made(numpy: Any) -> dict[str, Any]:
    """What has no name of its own today."""

    def asfarray(a: object, dtype: object = numpy.float64) -> Any:
        return numpy.asarray(a, dtype=dtype if numpy.issubdtype(dtype, numpy.inexact) else numpy.float64)

    def msort(a: object) -> Any:
        return numpy.sort(a, axis=0)

    def issubclass_(arg1: object, arg2: Any) -> bool:
        return isinstance(arg1, type) and issubclass(arg1, arg2)

    def find_common_type(array_types: Any, scalar_types: Any) -> Any:
        return numpy.result_type(*array_types, *scalar_types)

    def in1d(ar1: object, ar2: object, assume_unique: bool = False, invert: bool = False) -> Any:
        return numpy.isin(numpy.ravel(ar1), ar2, assume_unique=assume_unique, invert=invert)

    return {
        "NINF": -numpy.inf,
        "NZERO": -0.0,
        "PZERO": 0.0,
        "asfarray": asfarray,
        "find_common_type": find_common_type,
        "in1d": in1d,
        "issubclass_": issubclass_,
        "msort": msort,
    }
