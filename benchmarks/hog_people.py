"""OpenCV's HOG people detector on a list of images; needs OpenCV 4, so it runs in a separate environment.

    python hog_people.py < paths.json > rows.json

Reads a JSON list of image paths and writes for each a list of [x, y, width, height, score]. HOG's window has a margin
around the person; it is taken off as OpenCV's own sample does (15 % at the left and right, 5 % at the top and bottom).
"""

import json
import sys

import cv2

hog = cv2.HOGDescriptor()
hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
found = []
for path in json.load(sys.stdin):
    image = cv2.imread(path)
    boxes, weights = hog.detectMultiScale(image, winStride=(8, 8), padding=(16, 16), scale=1.05)
    found.append(
        [
            [x + 0.15 * width, y + 0.05 * height, 0.7 * width, 0.9 * height, float(weight)]
            for (x, y, width, height), weight in zip(boxes, weights, strict=True)
        ]
    )
json.dump(found, sys.stdout)
