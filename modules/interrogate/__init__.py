"""Words for pictures: captions by BLIP, lists of words ranked by CLIP, tags by DeepDanbooru and the WD14 taggers."""
