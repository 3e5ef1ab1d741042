public import Model

/// An invented dataset with a field of every type and every visibility: what works for it works for any.
public enum Lighthouse {
    public static let schema = TableSchema(
        fields: [
            Field(name: "code", title: LocalizedText(zh: "灯塔编码", en: "Code"), type: .code, required: true, maxLength: 20, visibility: .public),
            Field(name: "name", title: LocalizedText(zh: "名称", en: "Name"), type: .text, required: true, maxLength: 100, visibility: .public),
            Field(name: "height", title: LocalizedText(zh: "塔高", en: "Height"), type: .decimal(precision: 6, scale: 2), unit: "m", minimum: "0", visibility: .public),
            Field(name: "steps", title: LocalizedText(zh: "台阶数", en: "Steps"), type: .integer, visibility: .public),
            Field(name: "automated", title: LocalizedText(zh: "是否无人值守", en: "Automated"), type: .boolean, visibility: .public),
            Field(name: "lit_on", title: LocalizedText(zh: "启用日期", en: "Lit on"), type: .date, visibility: .public),
            Field(name: "inspected_at", title: LocalizedText(zh: "巡检时间", en: "Inspected at"), type: .datetime, visibility: .public),
            Field(name: "season", title: LocalizedText(zh: "季度", en: "Season"), type: .period, visibility: .public),
            Field(name: "position", title: LocalizedText(zh: "位置", en: "Position"), type: .geoPoint, visibility: .public),
            Field(name: "lamps", title: LocalizedText(zh: "灯具", en: "Lamps"), type: .json, visibility: .public),
            Field(
                name: "keeper", title: LocalizedText(zh: "守塔人", en: "Keeper"), type: .text, visibility: .public, mask: .name, sensitivity: .personal
            ),
            Field(name: "budget", title: LocalizedText(zh: "预算", en: "Budget"), type: .decimal(precision: 20, scale: 2), unit: "元", visibility: .department),
            Field(name: "keeper_phone", title: LocalizedText(zh: "守塔人电话", en: "Keeper's telephone"), type: .code, visibility: .private, sensitivity: .personal),
        ],
        primaryKey: ["code"],
        naturalOrder: ["code"],
        timeField: "inspected_at",
        indexes: [["height"]]
    )

    /// A description that passes every check, with a schema of its own.
    public static func description(department: String) -> DatasetDescription {
        var description = DatasetDescription(
            title: LocalizedText(zh: "灯塔名录", en: "Lighthouses"),
            abstract: LocalizedText(zh: "全县沿海灯塔的位置、高度与巡检情况。", en: "Position, height and inspection of the county's lighthouses."),
            department: department, shareType: .unconditional, openness: .unconditional, disclosure: .proactive, updateCycle: .yearly, licence: "CC-BY-4.0"
        )
        description.keywords = ["灯塔", "航标", "lighthouse"]
        description.theme = "交通运输"
        description.region = "130631"
        description.issued = CalendarDate(year: 2026, month: 1, day: 1)
        description.schema = schema
        return description
    }
}
