"""OpenCV's HOG people detector on a list of pictures; needs OpenCV 4, so it runs in an environment of its own.

    python hog_people.py < paths.json > rows.json

Reads a JSON list of picture paths, writes for each a list of [x, y, width, height, score].
"""

import json
import sys

import cv2

hog = cv2.HOGDescriptor()
hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
found = []
for path in json.load(sys.stdin):
    picture = cv2.imread(path)
    boxes, weights = hog.detectMultiScale(picture, winStride=(8, 8), padding=(16, 16), scale=1.05)
    found.append([[*map(float, box), float(weight)] for box, weight in zip(boxes, weights, strict=True)])
json.dump(found, sys.stdout)
