import corrie


@corrie.model(columns=['user_id', 'spent'])
def spent_by_user(rows=corrie.Model('purchases', columns=['user_id', 'price'])):
    return rows.group_by('user_id').aggregate([('price', 'sum')]).rename_columns(['user_id', 'spent'])
