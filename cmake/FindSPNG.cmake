# Finds libspng: target SPNG::spng.

include(KeratinFindPlain)
keratin_find_plain(SPNG spng spng.h spng)
