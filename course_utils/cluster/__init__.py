"""Batches on a Dask cluster: its workers, and the calls that run on them."""
