import pytest
from report_rows import ROW, TABLE


@pytest.fixture
def table():
    return TABLE


@pytest.fixture
def row():
    return ROW
