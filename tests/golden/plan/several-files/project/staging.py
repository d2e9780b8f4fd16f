from bauplan import Model, model, python


@model(columns=['id', 'price'])
@python('3.12')
def staged(raw=Model('raw.events', columns=['id', 'price'], filter='price >= 0')):
    return raw
