# Finds libzip: target LibZip::zip.
#
# The distribution's libzip-config.cmake refers to command-line tools that live
# in other packages, so the header and the library are looked up directly.

include(KeratinFindPlain)
keratin_find_plain(LibZip zip zip.h zip)
