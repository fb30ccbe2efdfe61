# The API alone: its database runs elsewhere, and the embedded one is for development.

# Or the same from a mirror.
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE} AS builder
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Without pip of its own: what is copied into the final image can run Pastis and nothing else.
RUN python -m venv --without-pip /opt/pastis
COPY requirements.txt ./
RUN pip --python /opt/pastis install --no-deps --require-hashes -r requirements.txt
COPY requirements-build.txt ./
RUN pip install --no-deps --require-hashes -r requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY app ./app
COPY clients/python/pastis_client ./clients/python/pastis_client
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . && \
    pip --python /opt/pastis install --no-deps dist/pastis-*.whl

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/pastis pastis
COPY --from=builder /opt/pastis /opt/pastis
ENV PATH=/opt/pastis/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PASTIS_HOST=0.0.0.0 \
    PASTIS_PORT=8001 \
    PASTIS_DATA_DIR=/var/lib/pastis \
    PASTIS_LOG_FILE=-
WORKDIR /var/lib/pastis
USER 10001
VOLUME /var/lib/pastis
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PASTIS_PORT'] + '/health/ready', timeout=4)"]
ENTRYPOINT ["pastis"]
CMD ["serve"]
