import Soma
import SomaZoo

/// Tells of a run as it goes on.
protocol RunReport: AnyObject {
    func begin(_ configuration: RunConfiguration, _ plan: RunPlan, _ device: Device) throws
    func note(_ event: RecipeEvent) throws
    /// What the steps that were watched spent their time on.
    func profile(_ report: ProfileReport) throws
    func end(_ result: RecipeResult, _ plan: RunPlan, _ device: Device) throws
    /// The run ends by an error, which is told on standard error in any case.
    func failed(_ error: any Error)
}
