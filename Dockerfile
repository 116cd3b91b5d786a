# decisionflow: built in one stage, run in another without build tools, as a user without rights.
# A mirror is given at build time (--build-arg PIP_INDEX_URL=…); no address is written here.
FROM python:3.12-slim-bookworm AS build
ARG PIP_INDEX_URL
WORKDIR /src
RUN python -m venv /opt/decisionflow
ENV PATH=/opt/decisionflow/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/ requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY decisionflow/ decisionflow/
COPY workers/ workers/
COPY workflows/ workflows/
COPY templates/ templates/
RUN pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin decisionflow \
 && install -d -o 10001 -g 10001 /data
COPY --from=build /opt/decisionflow /opt/decisionflow
ENV PATH=/opt/decisionflow/bin:$PATH PYTHONDONTWRITEBYTECODE=1 DECISIONFLOW_DATA_DIR=/data DECISIONFLOW_LANG=zh
USER 10001:10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --start-period=20s CMD ["decisionflow", "doctor", "--only", "database"]
ENTRYPOINT ["decisionflow"]
CMD ["serve", "--host", "0.0.0.0"]
