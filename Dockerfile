# Glassbox with its weights inside; starts without network. Build with
#   docker build -t glassbox .
# PyTorch is the build for CPUs, unless --build-arg TORCH_INDEX=https://pypi.org/simple asks for the one with CUDA.
# --build-arg REQUIREMENTS=requirements-scale.txt adds Ray, for deploy/cluster.
# --build-arg MODELS="rf-detr-nano gpt2" also puts models of the hub inside (names of `python -m models.hub`).
FROM python:3.11-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG REQUIREMENTS=requirements.txt
ARG MODELS=""
ENV PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/home/user

RUN useradd --create-home --uid 1000 user
WORKDIR /home/user/glassbox
RUN chown user:user .

COPY --chown=user:user requirements.txt requirements-scale.txt constraints.txt ./
RUN pip install --index-url ${TORCH_INDEX} --extra-index-url https://pypi.org/simple "$(grep ^torch== requirements.txt)"
RUN pip install -r ${REQUIREMENTS} -c constraints.txt

COPY --chown=user:user LICENSE app.py ./
COPY --chown=user:user demos demos
COPY --chown=user:user models models
COPY --chown=user:user assets assets

USER user
RUN python -m compileall -q app.py demos models
RUN [ -z "${MODELS}" ] || python -m models.hub ${MODELS}
ENV GLASSBOX_HOST=0.0.0.0 \
    GLASSBOX_PORT=7860 \
    GLASSBOX_MODELS=auto \
    GRADIO_ANALYTICS_ENABLED=False \
    GRADIO_TEMP_DIR=/tmp/glassbox
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
CMD ["python", "app.py"]
