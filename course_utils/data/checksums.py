"""The checksums of the data files: MD5 (32 digits) or SHA-256 (64)."""

from course_utils.data.idx import NAMES

# The packed files, as torchvision.datasets.FashionMNIST publishes them.
_REAL_PACKED = (
    "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "25c81989df183df01b3e8a0aad5dffbe",
    "bef4ecab320f06d8554ea6380940ec79",
    "bb300cfdad3c16e7a12a480ee83cd310",
)
# The same files, unpacked.
_REAL = (
    "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "9018921c3c673c538a1fc5bad174d6f9",
    "8181f5470baa50b63fa0f6fddb340f0a",
    "15d484375f8d13e6eb1aabb0c3f46965",
)
# FashionSketch, unpacked: versions of zlib pack the same bytes differently.
_SKETCH = (
    "975f14dd4b7163cb75bd93f21541755647ea2bfed4365a24fb7b9f24aa2b6b7f",
    "844dc49450f1c44748cb93965cca6387b2ed616f51aff9263466a5c855014b1c",
    "b3cca65852c111e3e24e9603b12de8d05ba1141333826acde8eb485483959cf0",
    "13947191c46f8fe3cb10961a9321214223ee3bdec74769010cd2b1f1bb6ce8ba",
)

REAL_SUMS = dict(zip(NAMES, _REAL, strict=True)) | {
    f"{name}.gz": md5 for name, md5 in zip(NAMES, _REAL_PACKED, strict=True)
}
SKETCH_SUMS = dict(zip(NAMES, _SKETCH, strict=True))
