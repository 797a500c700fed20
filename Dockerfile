# The locked environment and this repository.  An example: it has not been built here.
FROM python:3.11-slim-bookworm
WORKDIR /opt/w2s
COPY . .
RUN sh requirements/install.sh
ENV PATH=/opt/w2s/.venv/bin:$PATH
# The study's folder, with params.yaml and scales/: a volume that all pods share.
WORKDIR /w2s
