"""Makes warp_source.png, what OpenCV 4.6 warps it to (Debian package python3-opencv), and the same
for resizing by area. The matrices stand in src/image/resample_test.cpp too."""
import math

import cv2
import numpy

random = numpy.random.RandomState(1)
source = (random.rand(70, 90, 3) * 255).astype(numpy.uint8)
source = cv2.GaussianBlur(source, (3, 3), 0.8)
cv2.imwrite("warp_source.png", source)
for name, (scale, angle, tx, ty) in {"upright": (1.3, 0.4, 10, -7), "small": (0.6, -2.5, 80, 60)}.items():
    a, b = scale * math.cos(angle), scale * math.sin(angle)
    matrix = numpy.array([[a, -b, tx], [b, a, ty]])
    cv2.imwrite(f"warp_{name}.png", cv2.warpAffine(source, matrix, (112, 112), flags=cv2.INTER_LINEAR))
cv2.imwrite("area_40x33.png", cv2.resize(source, (40, 33), interpolation=cv2.INTER_AREA))
cv2.imwrite("linear_200x131.png", cv2.resize(source, (200, 131), interpolation=cv2.INTER_LINEAR))
