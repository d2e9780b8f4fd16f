import corrie


@corrie.model()
def m(then=corrie.Model('users', ref='v2')):
    return then
