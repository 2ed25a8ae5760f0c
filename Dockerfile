# `course grade` on Windows and macOS, and as a worker of a cluster:
#   docker build -t layer-by-layer .
# INSTRUCTORS.md, "What keeps you safe", says how it is run.
FROM python:3.11-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap \
    && rm -rf /var/lib/apt/lists/*

# Compiled now: what is compiled later is gone with its container.
ENV COURSE_VENV=/opt/course UV_TORCH_BACKEND=cpu UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
WORKDIR /course
COPY . .
RUN python tools/setup.py

ENV PATH=/opt/course/bin:$PATH
WORKDIR /work
ENTRYPOINT ["course"]
