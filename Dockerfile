# Glassbox with its weights inside; starts without network. Build with
#   docker build -t glassbox .            (add --build-arg PIP_EXTRA_INDEX_URL=... for a CPU-only PyTorch)
FROM python:3.11-slim

ARG PIP_EXTRA_INDEX_URL=""
ENV PIP_EXTRA_INDEX_URL=${PIP_EXTRA_INDEX_URL} \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/home/user

RUN useradd --create-home --uid 1000 user
WORKDIR /home/user/glassbox
RUN chown user:user .

COPY --chown=user:user requirements.txt constraints.txt ./
RUN pip install -r requirements.txt -c constraints.txt

COPY --chown=user:user app.py ./
COPY --chown=user:user demos demos
COPY --chown=user:user models models
COPY --chown=user:user assets assets

USER user
ENV GLASSBOX_HOST=0.0.0.0 \
    GLASSBOX_PORT=7860 \
    GLASSBOX_MODELS=auto \
    GRADIO_ANALYTICS_ENABLED=False \
    GRADIO_TEMP_DIR=/tmp/glassbox
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
CMD ["python", "app.py"]
