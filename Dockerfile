# Convscope in a container. Without an argument it takes the registry's build of torch (CUDA on Linux);
# pytorch.org names the package indexes of the smaller CPU build and of other CUDA versions:
#   docker build --build-arg TORCH_INDEX=<index address> .
FROM python:3.11-slim AS build
ARG TORCH_INDEX=
WORKDIR /app
COPY requirements.txt .
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch==2.13.0 torchvision==0.28.0 \
 && /venv/bin/pip install --no-cache-dir -r requirements.txt

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 convscope && mkdir /weights && chown convscope /weights
COPY --from=build /venv /venv
WORKDIR /app
COPY --chown=convscope . .
USER convscope
ENV PATH=/venv/bin:$PATH TORCH_HOME=/weights HOST=0.0.0.0 PORT=8501 PYTHONUNBUFFERED=1
VOLUME /weights
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s CMD python -c "import os, urllib.request; urllib.request.urlopen(f'http://localhost:{os.environ[\"PORT\"]}/_stcore/health', timeout=4)"
CMD ["python", "-m", "pages.ui.server"]
