import bauplan as bp
import helpers


@bp.model(name='marts.totals', materialization_strategy='REPLACE', internet_access=True, cache_strategy='NONE')
@bp.python(pip={'duckdb': '1.0.0'})
@bp.resources(cpus=2, memory='1G', timeout=30)
def totals(rows=bp.Model('shop.staged')):
    return helpers.total(rows)


@bp.expectation()
def totals_are_positive(rows=bp.Model('marts.totals', columns=['price'])):
    return True
