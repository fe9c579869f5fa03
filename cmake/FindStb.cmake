# Finds the stb headers: target Stb::image.

include(KeratinFindPlain)
keratin_find_plain(Stb image stb/stb_image.h "")
