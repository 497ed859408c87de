# One image for server and workers. The search is compiled while it is built, not at the first run.
FROM python:3.13-slim
RUN useradd --create-home --home-dir /data fleetwatt
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
RUN pip install --no-cache-dir --no-deps . && chown -R fleetwatt /usr/local/lib/python3.13/site-packages/optimizer
USER fleetwatt
RUN python -c "from optimizer.place.solve import prepare; prepare()"
WORKDIR /data
ENTRYPOINT ["fleetwatt"]
CMD ["serve"]
