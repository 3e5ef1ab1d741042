"""The same rows by FastAPI, asyncpg and orjson, written as its users would for speed: one pool per worker, prepared statements, no models."""
import os
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal

import asyncpg
import orjson
from fastapi import FastAPI, Response

VIEW = os.environ.get("BENCH_VIEW", "published.d1")
NAMES = "id, station, city, observed_at, pm25, pm10, so2, no2, o3, aqi, valid, remark"


@asynccontextmanager
async def lifespan(app):
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=5, max_size=5) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


def encode(value):
    return orjson.dumps(value, default=lambda v: float(v) if isinstance(v, Decimal) else str(v))


@app.get("/health")
async def health():
    return Response(b"ok")


@app.get("/rows/{key}")
async def row(key: int):
    found = await app.state.pool.fetchrow(f"SELECT {NAMES} FROM {VIEW} WHERE _until IS NULL AND id = $1", key)
    if found is None:
        return Response(status_code=404)
    return Response(encode({"data": dict(found), "meta": {"version": 1}}), media_type="application/json")


@app.get("/rows")
async def rows(city: str, observed_at__gte: datetime, limit: int = 100, sort: str = "observed_at"):
    found = await app.state.pool.fetch(
        f"SELECT {NAMES} FROM {VIEW} WHERE _until IS NULL AND city = $1 AND observed_at >= $2 ORDER BY observed_at, id LIMIT $3", city, observed_at__gte, limit)
    return Response(encode({"data": [dict(r) for r in found], "meta": {"version": 1}}), media_type="application/json")


@app.get("/aggregate")
async def aggregate(field: str):
    if field not in ("pm10", "pm25"):
        return Response(status_code=400)
    # Ordered around the groups: PostgreSQL then hashes them in parallel, where it would sort all rows.
    found = await app.state.pool.fetch(
        f"SELECT * FROM (SELECT city, (observed_at AT TIME ZONE INTERVAL '08:00')::date AS day, count(*), avg({field}), max({field}) FROM {VIEW} WHERE _until IS NULL "
        "GROUP BY 1, 2) AS groups ORDER BY 1, 2 LIMIT 10000")
    return Response(encode({"data": [dict(r) for r in found], "meta": {"version": 1}}), media_type="application/json")
