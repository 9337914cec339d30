"""ROOM: an artifact and labelled images become the rank of each image's own class.

Knows: data sets, and how a file is asked about images. Does not know: where results are kept
(store), what they conclude (analysis), how the file was made. Importing this loads no runtime.

    synsets     the classes of ImageNet-1k, in order
    labels      a file of labels, in the forms that there are
    datasets    a folder of images with the number of each one's class
    classifier  a file in its runtime that takes images and gives scores
    ahead       work for threads, its results in order
    evaluate    all images through the file, by all processors; goes on where it was stopped
"""
