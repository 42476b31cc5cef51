# `app` is the web front, the workers, beat, Flower and the Kafka bridge; `inference` is the model server.
#
#   docker build --target app --tag switchboard-app .
#   docker build --target inference --tag switchboard-inference .

# Nothing below knows where its Python lives: deploy/check-images builds on a stand-in for it.
ARG BASE=docker.io/library/python:3.11.14-slim-bookworm


# An environment without pip for the image, and beside it a pip that fills it and stays behind.
FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python3 -m venv --without-pip /opt/switchboard && python3 -m venv tools


FROM build AS app-packages
COPY requirements/app.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    tools/bin/pip --python /opt/switchboard/bin/python install --require-hashes -r app.txt


FROM build AS inference-packages
COPY requirements/inference.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    tools/bin/pip --python /opt/switchboard/bin/python install --require-hashes -r inference.txt


FROM build AS project
COPY requirements/dev.txt ./
# Of the development packages only those that make a wheel; one that is missing here fails the build.
RUN --mount=type=cache,target=/root/.cache/pip \
    awk '/^[a-z]/ { keep = /^(editables|hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } keep' \
        dev.txt > wheel.txt \
    && tools/bin/pip install --require-hashes -r wheel.txt
COPY . source
RUN tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist ./source
# In a folder of its own: a change of our code then moves a layer of a megabyte, not one of packages.
RUN tools/bin/pip --python /opt/switchboard/bin/python install --no-deps --target /app dist/*.whl \
    && cp source/deploy/healthcheck.py /app/


FROM ${BASE} AS runtime
# The root may be read-only, so there is nowhere to leave bytecode; what was installed has its own.
ENV PATH=/app/bin:/opt/switchboard/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
# A fixed number, so that volumes keep their owner and Kubernetes sees that it is not root.
RUN groupadd --system --gid 10001 switchboard \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /tmp \
        --shell /usr/sbin/nologin switchboard \
    && install -d -o 10001 -g 10001 -m 0750 /var/lib/switchboard
WORKDIR /app
USER 10001:10001
LABEL org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="Switchboard"


FROM runtime AS inference
COPY --from=inference-packages /opt/switchboard /opt/switchboard
COPY --from=project /app /app
ENV SWITCHBOARD_INFERENCE_CACHE_FOLDER=/var/lib/switchboard/models
EXPOSE 8100
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "/app/healthcheck.py", "http", "http://127.0.0.1:8100/health"]
CMD ["gunicorn", "-c", "inference/gunicorn.conf.py", "inference.app:create_app()"]
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Switchboard inference" \
      org.opencontainers.image.description="Hearing and speaking for voice agents, behind the OpenAI API." \
      org.opencontainers.image.revision="${REVISION}"


# Most services run this image, each with a command and a health check of its own: see docker-compose.yml.
FROM runtime AS app
COPY --from=app-packages /opt/switchboard /opt/switchboard
COPY --from=project /app /app
ENV SWITCHBOARD_DATABASE_URL=sqlite:////var/lib/switchboard/switchboard.db
EXPOSE 8000 5555
CMD ["gunicorn", "-c", "orchestrator/gunicorn.conf.py", "orchestrator.app:create_app()"]
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Switchboard" \
      org.opencontainers.image.description="A control plane for real-time voice agents." \
      org.opencontainers.image.revision="${REVISION}"
