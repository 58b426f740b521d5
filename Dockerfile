# The image of every Fleetcast process; without a command it is the whole live system, on port 8080.
# benchmarks/docker_steps.py runs the steps of this file where there is no container engine.

FROM python:3.12-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# What changes seldom comes first: packages by their hashes, without pip in the image. The build tool stands apart, and stays behind.
COPY requirements-run.lock requirements.lock ./
RUN python -m venv --without-pip /opt/fleetcast \
    && pip --python /opt/fleetcast/bin/python install --quiet --require-hashes --only-binary :all: --requirement requirements-run.lock
RUN python -m venv --without-pip /opt/build \
    && sed -n '/^uv-build==/,/^    # via/p' requirements.lock > build.lock \
    && pip --python /opt/build/bin/python install --quiet --require-hashes --only-binary :all: --requirement build.lock

COPY pyproject.toml README.md LICENSE ./
COPY geofences geofences
COPY eta_models eta_models
COPY stream stream
COPY replay replay
COPY api api
RUN mkdir wheel \
    && PATH="/opt/build/bin:$PATH" python -c "import uv_build; uv_build.build_wheel('wheel')" \
    && pip --python /opt/fleetcast/bin/python install --quiet --no-index --no-deps wheel/*.whl \
    && /opt/fleetcast/bin/python -m compileall -q /opt/fleetcast/lib


FROM python:3.12-slim-bookworm

ENV PATH="/opt/fleetcast/bin:$PATH" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FLEETCAST_STATE_DIR=/var/lib/fleetcast
COPY --from=build /opt/fleetcast /opt/fleetcast
RUN mkdir -m 700 /var/lib/fleetcast && chown 10001:10001 /var/lib/fleetcast

USER 10001:10001
VOLUME /var/lib/fleetcast
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f\"http://127.0.0.1:{os.environ.get('FLEETCAST_PORT', 8080)}/readyz\", timeout=4)"]
CMD ["fleetcast", "--host", "0.0.0.0"]
