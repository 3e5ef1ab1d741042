internal import Model

/// Gathers what is wrong, place by place, below a path.
struct PlaceList {
    private(set) var places: [Problem.Place] = []
    let path: String

    init(at path: String) {
        self.path = path
    }

    mutating func add(_ pointer: String, zh: String, en: String) {
        places.append(Problem.Place(path + pointer, zh: zh, en: en))
    }
}
