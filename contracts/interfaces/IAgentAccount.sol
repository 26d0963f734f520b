// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice A call that the Owner makes through its account.
struct Call {
    address target;
    uint256 value; // wei
    bytes data;
}

/// @notice A step of an order that the Executor makes through the account; it carries no value by construction.
struct Step {
    address target;
    bytes data;
}

/// @title ERC-4337 wallet of one agent
/// @notice The Owner may do everything. The Executor, the key an agent works with day to day, may do order steps on one
/// vault and the exact approvals that they need, through an entry function of its own, up to the limits that the Owner sets;
/// never a transfer.
/// @dev Operations (ERC-4337, EntryPoint v0.8) are signed by ECDSA over the userOpHash itself. Nonce key 0 is the Owner's, with any
/// callData and any paymaster or none. Keys 1 to 64 are the Executor's, with executeOrderSteps and this account's `paymaster` alone.
/// Every other pairing fails validation.
interface IAgentAccount {
    /// @notice The Owner replaced the Executor.
    event ExecutorSet(address indexed executor);
    /// @notice The Owner set what the Executor may spend of `token`, in its base units, per order and per UTC day.
    event LimitsSet(address indexed token, uint80 perOrder, uint80 perDay);

    /// @notice The Executor may not call `selector` on `target` (or not with these arguments).
    error NotAllowed(address target, bytes4 selector);
    /// @notice The Executor asked for `requested` of `token`, in its base units, and may spend `left` on one order now.
    error LimitExceeded(address token, uint256 requested, uint256 left);
    /// @notice There is no code at `account`, where the vault or the paymaster should be.
    error NotAContract(address account);
    /// @notice `caller` may not use this function.
    error Unauthorized(address caller);

    /// @notice Runs `calls` in order; reverts with the first failure. Only the EntryPoint (an operation that the Owner signed) or the Owner.
    function execute(Call[] calldata calls) external payable;

    /// @notice Runs order `steps` in order; reverts with the first failure. Only the EntryPoint (an operation that the Executor or Owner signed) or the Executor.
    /// @dev Allowed: on the vault createOrder, payOrder, createAndPayOrder, deliverOrder, releaseOrder, disputeOrder, rejectOrder,
    /// expireOrder, and claim with to = this account; on a token approve(vault, amount) directly before the payment of an order of that token and amount. Everything else, and
    /// calldata of another length where it matters, reverts with NotAllowed; a payment above the limits with LimitExceeded. A
    /// step's own revert data is passed on unchanged.
    function executeOrderSteps(Step[] calldata steps) external;

    /// @notice Sets what the Executor may spend of `token`, in its base units: `perOrder` on one order, and `perDay` between one
    /// midnight UTC and the next. Unset is 0. Only the account itself (an Owner's call) or the Owner.
    /// @dev Counted when a payment is made through `executeOrderSteps`; what comes back gives nothing back. What was spent today stays
    /// counted under the new limits. A consent to an order as its Requester needs `perOrder` alone.
    function setLimits(address token, uint80 perOrder, uint80 perDay) external;

    /// @notice Replaces the Executor; 0 leaves the account without one. Only the account itself (an Owner's call) or the Owner.
    /// @dev On this chain alone. Where the account is not deployed yet, anyone can deploy it, with its first Executor. So once that
    /// key is lost or stolen, deploy and replace on every other chain too, before any funds arrive there.
    function setExecutor(address newExecutor) external;

    /// @notice The person behind the account; fixed.
    function owner() external view returns (address);

    /// @notice The key that may do order steps.
    function executor() external view returns (address);

    /// @notice What the Executor may spend of `token` per order and per UTC day, and has spent today, in its base units.
    function limits(address token) external view returns (uint80 perOrder, uint80 perDay, uint80 spentToday);

    /// @notice The vault that this account's Executor may use.
    function vault() external view returns (address);

    /// @notice The only paymaster that an operation of the Executor may use.
    function paymaster() external view returns (address);

    /// @notice What the Executor signs to consent to the order `orderId`: `OrderConsent(bytes32 orderId)` under this account's own
    /// EIP-712 domain (name "AgentAccount", version "1"). Its ERC-1271 signature is `abi.encode(Order order, bytes signature)`.
    function consentHash(bytes32 orderId) external view returns (bytes32);
}

/// @title Deploys agent accounts at addresses that are known before
interface IAgentAccountFactory {
    /// @notice `account` was deployed.
    event AccountCreated(address indexed account, address indexed owner, address indexed executor, bytes32 salt);

    /// @notice Deploys the account, or returns it if it is there. Anyone may call: the result does not depend on who does.
    /// @dev The account begins with `executor`, even if it has another Executor by now on another chain; see {IAgentAccount-setExecutor}.
    /// @param owner Whoever holds it may withdraw; with 0 nobody ever can.
    /// @param executor The first Executor; 0 = none.
    function createAccount(address owner, address executor, bytes32 salt) external returns (address account);

    /// @notice The address that `createAccount` gives: it commits to Owner, first Executor, salt, vault, paymaster and EntryPoint.
    function accountAddress(address owner, address executor, bytes32 salt) external view returns (address);
}
