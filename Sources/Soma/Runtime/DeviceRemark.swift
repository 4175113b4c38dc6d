import SomaBackend
import Synchronization

extension Device {
    private static let told = Mutex<Set<Device>>([])

    /// What whoever trains on the device should know, the first time that it is asked for; nil from then on, and for nothing.
    func takeRemark() -> String? {
        guard Self.told.withLock({ $0.insert(self).inserted }) else { return nil }
        return executor.backend.remark
    }

    /// Says it on standard error, once in a process.
    func tellRemark() {
        if let remark = takeRemark() { DeviceManager.say("soma: \(self): \(remark)") }
    }
}
