// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Order} from "../../../contracts/interfaces/ICAPVault.sol";
import {MockToken} from "../mocks/MockToken.sol";
import {VaultTest} from "../CAPVault/VaultTest.sol";

/// @notice Full-transaction gas of each direct call: 21 000 and calldata included, refunds counted, warm balances, exact
/// allowance. Isolation makes each call a transaction of its own.
/// forge-config: default.isolate = true
contract GasTest is VaultTest {
    // forge prints this event by its name.
    event log_named_uint(string key, uint256 val);

    function setUp() public override {
        super.setUp();
        address implementation =
            vm.deployCode("SandboxToken.sol:SandboxToken", abi.encode("USD Coin", "USDC", address(this)));
        token = MockToken(vm.deployCode("SandboxTokenProxy.sol:SandboxTokenProxy", abi.encode(implementation)));
        vm.prank(owner);
        vault.setToken(address(token), true, MIN_FEE_BPS);
        // Warm destination balances, and accrued fees that are not zero.
        token.mint(requester, 1);
        token.mint(provider, 1);
        token.mint(address(vault), 1);
        Order memory first = _order();
        first.salt = 1;
        create(first);
        pay(first);
        deliver(first);
    }

    function test_transfer() public {
        token.mint(stranger, 10);
        vm.prank(stranger);
        token.transfer(provider, 5);
        _report("bare token transfer", 46_000);
        vm.assertGe(vm.lastCallGas().gasTotalUsed, 44_800, "cheaper than USDC");
    }

    function test_create_bothSignatures() public {
        create(_order());
        _report("create, both signatures", 69_000);
    }

    function test_create_byRequester() public {
        Order memory order = _order();
        bytes memory providerSig = sign(PROVIDER_KEY, vault.hashOrder(order));
        vm.prank(requester);
        vault.createOrder(order, "", providerSig);
        _report("create, by the Requester", 69_000);
    }

    function test_pay() public {
        Order memory order = _order();
        create(order);
        pay(order);
        _report("pay", 65_000);
    }

    function test_deliver() public {
        Order memory order = _order();
        create(order);
        pay(order);
        deliver(order);
        _report("deliver + settle", 72_000);
    }

    function test_reject_refund() public {
        Order memory order = _order();
        create(order);
        pay(order);
        vm.prank(provider);
        vault.rejectOrder(order, REASON);
        _report("reject, refund", 63_000);
    }

    function test_expire_refund() public {
        Order memory order = _order();
        create(order);
        pay(order);
        vm.warp(vm.getBlockTimestamp() + order.slaSeconds + 1);
        vm.prank(stranger);
        vault.expireOrder(order);
        _report("expire, refund", 63_000);
    }

    function test_reject_unpaid() public {
        Order memory order = _order();
        create(order);
        vm.prank(requester);
        vault.rejectOrder(order, REASON);
        _report("reject, unpaid", 36_000);
    }

    function test_expire_unpaid() public {
        Order memory order = _order();
        create(order);
        vm.warp(uint256(order.payDeadline) + 1);
        vm.prank(stranger);
        vault.expireOrder(order);
        _report("expire, unpaid", 36_000);
    }

    function _order() private view returns (Order memory) {
        return Order({
            requester: requester,
            provider: provider,
            token: address(token),
            arbiter: address(0),
            approver: address(0),
            commissionTo: address(0),
            amount: 1_000_000,
            feeBps: 1000,
            commissionBps: 0,
            payDeadline: uint40(START + 1 days),
            slaSeconds: 3600,
            reviewSeconds: 0,
            termsHash: keccak256("terms"),
            salt: 0x123456789abcdef0
        });
    }

    function _report(string memory name, uint256 limit) private {
        uint256 used = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint(name, used);
        vm.assertLe(used, limit, name);
    }
}
