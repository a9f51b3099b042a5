# Builds the virtual environment that the second stage takes over; build tools stay behind.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/tollgate && python -m venv /opt/build
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN /opt/tollgate/bin/pip install --require-hashes -r requirements.lock \
    && /opt/build/bin/pip install --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY app app
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/tollgate/bin/pip install --no-deps /wheels/*.whl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home tollgate
COPY --from=build /opt/tollgate /opt/tollgate
ENV PATH=/opt/tollgate/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TOLLGATE_HOST=0.0.0.0 \
    TOLLGATE_PORT=8000 \
    TOLLGATE_DATABASE_URL=sqlite+aiosqlite:////data/tollgate.db \
    TOLLGATE_DATA_DIRECTORY=/data/keys
USER tollgate
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['TOLLGATE_PORT'] + '/health/ready', timeout=5)"]
ENTRYPOINT ["tollgate"]
CMD ["serve"]
