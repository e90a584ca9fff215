# docker build -t vidtrack . && docker run --rm -v "$PWD:/clips" vidtrack detect /clips/clip.mp4
# With GPUs: docker run --gpus all. For a smaller image without CUDA: --build-arg PIP_EXTRA_INDEX_URL=... of PyTorch's
# CPU wheels (pytorch.org/get-started).
FROM python:3.12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
COPY . /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.12-slim
ARG PIP_EXTRA_INDEX_URL
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 && rm -rf /var/lib/apt/lists/*
RUN --mount=from=build,source=/wheels,target=/wheels pip install --no-cache-dir /wheels/*.whl
RUN useradd --create-home tracker
USER tracker
WORKDIR /clips
ENTRYPOINT ["vidtrack"]
CMD ["--help"]
