# Finds libjpeg-turbo's TurboJPEG interface: target TurboJPEG::turbojpeg.

include(KeratinFindPlain)
keratin_find_plain(TurboJPEG turbojpeg turbojpeg.h turbojpeg)
